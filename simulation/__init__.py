"""Streets in quick motion: weather, habits, devices and whole neighbourhoods, for the demo and for studies.

May import both programs; is shipped with neither.
"""
