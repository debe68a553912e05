"""Containers: what one file holds, and how a carrier is put into it without touching the rest."""
