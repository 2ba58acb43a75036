"""A modality that invents patients: plans studies, makes their instances, sends them until they are accepted."""
