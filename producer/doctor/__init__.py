"""Looks at everything that the service stands on, and says of each thing whether it is well, and else what to mend."""

from producer.doctor.diagnosis import Diagnosis, DiagnosisHealth
from producer.doctor.examining import Doctor, settings_diagnoses

__all__ = ["Diagnosis", "DiagnosisHealth", "Doctor", "settings_diagnoses"]
