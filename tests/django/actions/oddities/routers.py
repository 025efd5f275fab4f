class LogRouter:
    """Log lines live in a database of their own."""

    def db_for_write(self, model, **hints):
        return "logs" if model.__name__ == "LogLine" else None

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return (db == "logs") == (model_name == "logline")
