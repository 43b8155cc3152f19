"""Reading and writing, a file per noun. The caller's transaction is the one in force."""
