"""Looks at everything that the service stands on, and says of each thing whether it is well, and else what to mend."""

from producer.doctor.diagnosis import Diagnosis, Health
from producer.doctor.examining import Doctor, told_wrong

__all__ = ["Diagnosis", "Doctor", "Health", "told_wrong"]
