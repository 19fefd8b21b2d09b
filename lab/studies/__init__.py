"""Studies: questions about incentive subnets, each settled by runs or simulations and published as one page."""

STUDIES: dict[str, str] = {
    "overhead": "lab.studies.overhead:STUDY",
    "grading": "lab.studies.grading:STUDY",
    "miners": "lab.studies.miners:STUDY",
    "design": "lab.studies.design:STUDY",
    "retention": "lab.studies.retention:STUDY",
    "weight-copying": "lab.studies.weight_copying:STUDY",
    "querying": "lab.studies.querying:STUDY",
    "scenarios": "lab.studies.scenarios:STUDY",
    "ecology": "lab.studies.ecology:STUDY",
}
"""Every study by its command: the module and name of its `MeasuredStudy` or `SimulatedStudy`.

The first line of each module's docstring is the question that the study answers.
"""
