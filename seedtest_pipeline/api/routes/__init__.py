"""What may be asked, a file per noun."""
