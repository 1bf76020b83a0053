namespace Understudy.Data;

/// <summary>How the rows of a file are written. Any of them may be gzip-compressed; that is seen from the file's first bytes.</summary>
public enum DataFormat
{
    /// <summary>By the name: <c>.jsonl</c>, <c>.ndjson</c>, <c>.json</c>; <c>.csv</c>; <c>.tsv</c>, <c>.tab</c>; <c>.txt</c>, <c>.text</c>; each with or without <c>.gz</c>.</summary>
    Auto,

    /// <summary>JSON Lines: one JSON object per line.</summary>
    Jsonl,

    /// <summary>Comma-separated values with a header line, quoted as in RFC 4180; a quoted field may span lines.</summary>
    Csv,

    /// <summary>Tab-separated values with a header line and without quoting: a quote is a character like any other.</summary>
    Tsv,

    /// <summary>Plain text: one text per line, blank lines skipped.</summary>
    Text,
}
