"""The command line: words in, one story each, words and an exit status out."""
