using System.Text.Json;

namespace Understudy.Tokenization.Models;

/// <summary>A table between tokens and ids.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> idsBySpan;
    private readonly Dictionary<int, string> tokens;

    /// <exception cref="ArgumentException">Two tokens have one id; <see cref="Exception.Message"/> names them.</exception>
    public Vocabulary(Dictionary<string, int> ids)
    {
        this.ids = ids;
        idsBySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        tokens = new Dictionary<int, string>(ids.Count);
        foreach (var (token, id) in ids)
        {
            if (!tokens.TryAdd(id, token))
                throw new ArgumentException($"the tokens '{tokens[id]}' and '{token}' share the id {id}");
            LongestToken = Math.Max(LongestToken, token.Length);
        }
    }

    /// <summary>Tokens in the order of their ids. One that comes twice has the later id and decodes from both, as in the reference's lists.</summary>
    public Vocabulary(IReadOnlyList<string> inOrder)
    {
        ids = new Dictionary<string, int>(inOrder.Count, StringComparer.Ordinal);
        idsBySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        tokens = new Dictionary<int, string>(inOrder.Count);
        for (var id = 0; id < inOrder.Count; id++)
        {
            ids[inOrder[id]] = id;
            tokens.Add(id, inOrder[id]);
            LongestToken = Math.Max(LongestToken, inOrder[id].Length);
        }
    }

    public int Count => tokens.Count;

    /// <summary>The length of the longest token in UTF-16 units.</summary>
    public int LongestToken { get; }

    public IEnumerable<KeyValuePair<string, int>> Entries => ids;

    public bool TryGetId(string token, out int id) => ids.TryGetValue(token, out id);

    public bool TryGetId(ReadOnlySpan<char> token, out int id) => idsBySpan.TryGetValue(token, out id);

    public string? Token(int id) => tokens.GetValueOrDefault(id);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("vocab");
        foreach (var (token, id) in ids.OrderBy(entry => entry.Value)) json.WriteNumber(token, id);
        json.WriteEndObject();
    }
}
