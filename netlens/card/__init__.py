"""The model card: one TOML file that says what a model is, where its weights are and what data it is for."""

from netlens.card.reading import parse_card, read_card
from netlens.card.tables import BY_NAME, FORMS, Card, DataTable, DeclaredTable, ModelTable

__all__ = ["BY_NAME", "FORMS", "Card", "DataTable", "DeclaredTable", "ModelTable", "parse_card", "read_card"]
