"""Notebook to PDF: archival (PDF/A-2a), accessible (PDF/UA-1), without LaTeX, a browser or a system package.

nbconvert imports every exporter when it starts, so this package imports pandoc, Typst, lxml and matplotlib only when a PDF is made.
"""

from netlens.publish.pdf.exporter import NetlensPDFExporter, pdf_bytes

__all__ = ["NetlensPDFExporter", "pdf_bytes"]
