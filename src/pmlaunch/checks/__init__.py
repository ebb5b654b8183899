"""Can this run start? One file a check; each looks at one thing and changes nothing."""
