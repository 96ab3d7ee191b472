"""The pictures, tables and calls that README shows, made from what was measured."""
