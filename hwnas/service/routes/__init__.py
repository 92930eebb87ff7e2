"""Routes of the service, one file per resource: a route parses, calls one function and answers."""
