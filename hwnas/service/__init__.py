"""The search service: the functions of `hwnas.api` over HTTP, with jobs that survive their processes, and a page."""
