"""What is given back of a stored instance, in the form that is asked for; the same for every door that gives."""
