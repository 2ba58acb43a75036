"""HTTP: the application factory and its server, media types, multipart/related, links, conditional answers."""
