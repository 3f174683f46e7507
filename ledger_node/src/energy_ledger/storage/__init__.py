"""What one node keeps on its disk: keys and tokens in files, all that was agreed in one SQLite file."""
