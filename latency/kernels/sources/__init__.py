"""Published measurements that kernel models are fitted to."""
