"""The report of a run: one HTML file that needs nothing else."""

from brainreg3d.export.report._exporter import ReportExporter

__all__ = ["ReportExporter"]
