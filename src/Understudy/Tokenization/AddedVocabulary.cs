using System.Buffers;
using System.Text;
using System.Text.Json;
using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization;

/// <summary>The added tokens of a tokenizer: their ids, and where they stand in a text.</summary>
internal sealed class AddedVocabulary
{
    private readonly SortedDictionary<int, AddedToken> tokens = [];
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> texts = [];
    private readonly AddedTokenTrie raw;
    private readonly AddedTokenTrie normalized;

    /// <summary>Takes the tokens in the order of the file. An id comes from the model where it knows the token, else it is the next free one.</summary>
    /// <exception cref="ArgumentException">A token is empty, comes twice, becomes empty by normalisation, or has another id than the one asked for.</exception>
    public AddedVocabulary(IEnumerable<(AddedToken Token, int? Id)> entries, Vocabulary vocabulary, INormalizer? normalizer)
    {
        var largest = -1;
        foreach (var (token, wanted) in entries)
        {
            if (token.Content.Length == 0) throw new ArgumentException("an added token has no content");
            if (ids.ContainsKey(token.Content)) throw new ArgumentException($"the added token '{token.Content}' comes twice");
            if (!vocabulary.TryGetId(token.Content, out var id)) id = Math.Max(vocabulary.Count, largest + 1);
            if (wanted is { } expected && expected != id)
            {
                throw new ArgumentException(
                    $"the added token '{token.Content}' has the id {expected}, but the vocabulary and the tokens before it make that {id}");
            }
            if (!tokens.TryAdd(id, token))
                throw new ArgumentException($"the added tokens '{tokens[id].Content}' and '{token.Content}' share the id {id}");
            ids.Add(token.Content, id);
            texts.Add(id, token.Normalized ? Normalize(token.Content, normalizer) : token.Content);
            largest = Math.Max(largest, id);
        }
        raw = new AddedTokenTrie(tokens.Where(entry => !entry.Value.Normalized).Select(entry => (entry.Value.Content, entry.Key)));
        normalized = new AddedTokenTrie(tokens.Where(entry => entry.Value.Normalized).Select(entry => (texts[entry.Key], entry.Key)));
    }

    public IReadOnlyDictionary<int, AddedToken> Tokens => tokens;

    public AddedTokenTrie Raw => raw;

    public AddedTokenTrie Normalized => normalized;

    public bool TryGetId(string token, out int id) => ids.TryGetValue(token, out id);

    public AddedToken? Token(int id) => tokens.GetValueOrDefault(id);

    /// <summary>The text that an id decodes to: of a normalised token the normalised content. Null for other ids.</summary>
    public string? Text(int id) => texts.GetValueOrDefault(id);

    /// <summary>Whether decoding leaves out a token with this text. A special token whose normalised content differs is not recognised, as in the reference.</summary>
    public bool IsSpecial(string text) => ids.TryGetValue(text, out var id) && tokens[id].Special;

    /// <summary>Cuts the added tokens out of the text, normalising it on the way: first those that are matched raw, then the others; what <paramref name="shadows"/> hides is none.</summary>
    public void Extract(PreTokenizedText text, INormalizer? normalizer, TokenShadows? shadows = null)
    {
        if (!raw.IsEmpty) text.Split(piece => Pieces(piece, raw));
        // Where special tokens are looked for once more, hidden ones stay hidden until that is done.
        var restoresLate = shadows is not null && tokens.Values.Any(token => token.Special && token.Normalized);
        if (shadows is not null && !restoresLate) text.Rewrite(piece => piece.WithText(shadows.Restore(piece.Text)));
        text.Split(piece =>
        {
            if (normalizer is not null) piece = normalizer.Normalize(piece);
            return normalized.IsEmpty ? [new TextPiece(piece)] : Pieces(piece, normalized);
        });
        if (restoresLate) text.Rewrite(piece => piece.WithText(shadows!.Restore(piece.Text)));
    }

    /// <summary>The parts of a text; <c>Id</c> is -1 between added tokens.</summary>
    public List<(int Id, int Start, int End)> Find(ReadOnlySpan<char> text, AddedTokenTrie trie)
    {
        var parts = new List<(int Id, int Start, int End)>();
        var covered = 0;
        for (var from = 0; trie.TryFind(text, from, out var start, out var end, out var id); from = end == start ? end + 1 : end)
        {
            var token = tokens[id];
            var (left, right) = (start, end);
            if (token.SingleWord && (EndsWithWord(text[..start]) || StartsWithWord(text[end..]))) continue;
            if (token.LStrip) left = Math.Max(text[..start].TrimEnd().Length, covered);
            if (token.RStrip) right = text.Length - text[end..].TrimStart().Length;
            if (covered < left) parts.Add((-1, covered, left));
            parts.Add((id, left, right));
            covered = right;
        }
        if (covered != text.Length) parts.Add((-1, covered, text.Length));
        return parts;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("added_tokens");
        foreach (var (id, token) in tokens)
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", token.Content);
            json.WriteBoolean("single_word", token.SingleWord);
            json.WriteBoolean("lstrip", token.LStrip);
            json.WriteBoolean("rstrip", token.RStrip);
            json.WriteBoolean("normalized", token.Normalized);
            json.WriteBoolean("special", token.Special);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private IEnumerable<TextPiece> Pieces(AlignedText text, AddedTokenTrie trie)
    {
        foreach (var (id, start, end) in Find(text.Text, trie))
        {
            var slice = text.Slice(start, end);
            yield return id < 0 ? new TextPiece(slice) : new TextPiece(slice, [new Token(id, slice.Text, 0, slice.Text.Length)]);
        }
    }

    private static string Normalize(string content, INormalizer? normalizer)
    {
        var normalized = normalizer is null ? content : normalizer.Normalize(new AlignedText(content)).Text;
        return normalized.Length > 0 ? normalized : throw new ArgumentException($"the added token '{content}' is empty once normalised");
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && UnicodeCharacter.IsWord(rune.Value);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && UnicodeCharacter.IsWord(rune.Value);
}
