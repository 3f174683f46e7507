"""A real Home Assistant, scripted the way a person would click: onboarding, flows, blueprints, dashboard."""
