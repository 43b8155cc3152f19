"""What the document of a class report can name, made from the learners of one group."""
