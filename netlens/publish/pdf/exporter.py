"""The nbconvert exporter `netlens-pdf`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from traitlets import Bool, default


class NetlensPDFExporter(Exporter):
    """Turn a notebook into a PDF for readers: code is hidden, figures keep their alt texts, tables stay tables.

    `metadata.netlens.report` of the notebook (`title`, `subtitle`, `facts`, `notice`) fills the title page; without it the first
    heading is the title. The same notebook gives the same bytes.
    """

    export_from_notebook = "PDF (netlens)"
    output_mimetype = "application/pdf"
    exclude_input = Bool(True, help="Leave out the code.").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    def from_notebook_node(  # type: ignore[override] # nbconvert declares a notebook; its own exporters return text or bytes
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Convert a notebook that has been read."""
        notebook, found = super().from_notebook_node(nb, resources, **kw)
        metadata = found.get("metadata", {})
        folder = Path(metadata["path"]) if metadata.get("path") else None
        return pdf_bytes(notebook, folder=folder, name=metadata.get("name", ""), code=not self.exclude_input), found


def pdf_bytes(
    notebook: dict[str, Any],
    *,
    folder: Path | None = None,
    name: str = "",
    code: bool = False,
    attached: Mapping[str, bytes] | None = None,
) -> bytes:
    """Make the PDF of a notebook.

    Parameters
    ----------
    folder : where pictures that the text names by a relative path are looked for.
    name : the title of last resort, when neither the metadata nor a heading gives one.
    code : show code cells.
    attached : files to embed, by name; each is declared to be the data of the document.

    Returns
    -------
    A PDF/A-2a and PDF/UA-1 file; PDF/A-3a when files are embedded, which PDF/A-2a forbids. Its dates are those of SOURCE_DATE_EPOCH, or the year 2000, never the clock's.

    Raises
    ------
    RunError : a formula, a picture or the whole cannot be set.
    """
    from netlens.publish.pdf.document import document
    from netlens.publish.pdf.typesetting import typeset

    return typeset(document(notebook, folder=folder, name=name, code=code, attached=attached or {}))
