"""Command -> Done: bubblewrap, user namespaces, binfmt, CPU models; host facts probed once."""
