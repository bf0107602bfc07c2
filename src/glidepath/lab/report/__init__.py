"""What records say: statistics, sentences, tables, pictures, pages."""
