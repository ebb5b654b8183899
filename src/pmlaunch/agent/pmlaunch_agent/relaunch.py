"""What `__main__.__spec__` names while a script runs, so that child processes start through the agent too.

Lightning starts rank 1 and up as `python -m pmlaunch_agent.relaunch <the script's arguments>`. multiprocessing, if it
spawns (always on Windows), imports this module as `__mp_main__` and expects the script's functions and classes in it;
it would import nothing if the name ended in `.__main__`.
"""

if __name__ == "__main__":
    import sys

    from pmlaunch_agent.main import main

    sys.exit(main())

if __name__ == "__mp_main__":
    from pmlaunch_agent.main import load_for_worker

    load_for_worker(globals())
