"""The merged index: model, rendering, repository components, upload gate, ASGI app."""
