"""How fast readings go from the broker into the journal and on to a database, beside two plain ways."""
