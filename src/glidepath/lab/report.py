def report(comparison, records): return "<html></html>"
