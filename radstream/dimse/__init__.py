"""DICOM over TCP (PS3.7, PS3.8): one upper layer of our own on asyncio, server and client. Only pynetdicom user."""
