"""What rating models see: of a film (`films`), of a user and a film together (`pairs`). No model in here."""
