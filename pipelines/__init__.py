"""Cramp Atlas: survey deliveries in, design-correct report tables out."""
