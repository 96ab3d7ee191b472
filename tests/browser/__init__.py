"""A package, so that its browser is closed after its last test: Playwright keeps an event loop open
in the main thread, where no other could then run."""
