"""Real documents: PDFs, and images beside their truth."""
