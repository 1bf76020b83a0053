using System.Globalization;
using System.Text.RegularExpressions;

namespace Understudy.Hub;

/// <summary>What the headers of the answers on the way to a file say about it; the first to speak counts.</summary>
internal sealed partial class LinkedFile
{
    private string? etag;
    private long? size;

    public string? Commit { get; private set; }

    /// <summary>Reads the Hub's own headers.</summary>
    public void Read(HttpResponseMessage response)
    {
        Commit ??= Header(response, "X-Repo-Commit");
        etag ??= Name(Header(response, "X-Linked-Etag"));
        if (long.TryParse(Header(response, "X-Linked-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes))
            size ??= bytes;
    }

    /// <summary>Takes from the last answer what none before it has said.</summary>
    public (string? ETag, long? Size) Complete(HttpResponseMessage last) => (
        etag ?? Name(Header(last, "ETag")),
        // The length of a redirect is that of its own text.
        size ?? (last.IsSuccessStatusCode ? last.Content.Headers.ContentLength : null));

    // It becomes the name of a file.
    private static string? Name(string? header)
    {
        var text = header?.Trim() ?? "";
        if (text.StartsWith("W/", StringComparison.Ordinal))
            text = text[2..];
        text = text.Trim('"');
        return FileName().IsMatch(text) ? text : null;
    }

    // Not through the typed headers: servers send etags without quotation marks, which those refuse.
    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.NonValidated.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z")]
    private static partial Regex FileName();
}
