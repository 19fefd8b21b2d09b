"""Pictures of a page: charts as inline SVG, and thumbnails of what miners were shown."""
