"""What the product can do, a file for each noun. Knows no HTTP; the API and the page call it."""
