"""What may be asked, a file per noun, and the class of routes that ask for a token."""
