"""How long a reading takes from its node to the journal and to the database."""
