using Understudy.Tokenization.Models;
using Understudy.Tokenization.Serialization;

namespace Understudy.Tokenization;

/// <summary>
/// Turns text into token ids and back, with the results of the Hugging Face <c>tokenizers</c> library (0.23) for the
/// same <c>tokenizer.json</c>. Immutable and safe for use from several threads. A lone surrogate in a text counts as U+FFFD.
/// </summary>
public sealed class Tokenizer
{
    private readonly TokenizerParts parts;
    private readonly Lazy<IdEncoder> idEncoder;
    private readonly Lazy<TokenBytes> tokenBytes;

    internal Tokenizer(TokenizerParts parts)
    {
        this.parts = parts;
        idEncoder = new Lazy<IdEncoder>(() => new IdEncoder(this, parts));
        tokenBytes = new Lazy<TokenBytes>(() => new TokenBytes(this));
        var added = parts.AddedVocabulary.Tokens.Values;
        VocabularySize = parts.Model.Vocabulary.Count + added.Count(token => !parts.Model.Vocabulary.TryGetId(token.Content, out _));
        var roles = parts.Roles;
        if (parts.Model.UnkToken is { } unk && !roles.ContainsKey("unk_token"))
            roles = new Dictionary<string, string>(roles) { ["unk_token"] = unk };
        SpecialTokens = new SpecialTokens(roles, parts.AdditionalSpecialTokens, added, TokenToId);
    }

    /// <summary>The number of tokens, added ones included.</summary>
    public int VocabularySize { get; }

    /// <summary>The tokens that are looked for before the model sees a text, by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> AddedTokens => parts.AddedVocabulary.Tokens;

    /// <summary>The special tokens by role: bos, eos, unk, sep, pad, cls, mask, and the others.</summary>
    public SpecialTokens SpecialTokens { get; }

    /// <summary>How encodings are cut, or null.</summary>
    public TruncationOptions? Truncation => parts.Truncation;

    /// <summary>How encodings are filled up, or null.</summary>
    public PaddingOptions? Padding => parts.Padding;

    /// <summary>The merges of a BPE model in order of rank; none for other models.</summary>
    public IEnumerable<(string Left, string Right)> Merges => parts.Model is BpeModel bpe ? bpe.Merges : [];

    /// <summary>The bytes that each token adds to a text; worked out when they are first asked for.</summary>
    /// <exception cref="NotSupportedException">The tokenizer's decoder makes a token's text depend on the tokens after it.</exception>
    public TokenBytes TokenBytes => tokenBytes.Value;

    internal TokenizerParts Parts => parts;

    /// <summary>
    /// Reads the tokenizer of a Hugging Face model folder: <c>tokenizer.json</c>, else <c>vocab.json</c> with
    /// <c>merges.txt</c> (byte-level BPE as of GPT-2 or, if the configuration says so, RoBERTa), else <c>vocab.txt</c> (BERT).
    /// </summary>
    /// <exception cref="FileNotFoundException">The folder has none of these; the message names them.</exception>
    /// <exception cref="InvalidDataException">A file is malformed or uses a component that is not supported; the message names it.</exception>
    public static Tokenizer FromFolder(string folder) => FolderReader.Read(folder);

    /// <summary>Reads a <c>tokenizer.json</c>.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is malformed or uses a component that is not supported; the message names it.</exception>
    public static Tokenizer FromFile(string path) => TokenizerJsonReader.Read(path);

    /// <summary>The same tokenizer with other truncation; null for none.</summary>
    /// <exception cref="ArgumentException">The options are out of range or leave no room for text.</exception>
    public Tokenizer WithTruncation(TruncationOptions? truncation)
    {
        if (truncation is not null)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(truncation.MaxLength);
            ArgumentOutOfRangeException.ThrowIfNegative(truncation.Stride);
            var room = truncation.MaxLength - (parts.PostProcessor?.AddedTokens(isPair: false) ?? 0);
            if (truncation.Stride > Math.Max(0, room))
            {
                throw new ArgumentException(
                    $"'stride' is {truncation.Stride}, but 'max_length' {truncation.MaxLength} leaves room for {Math.Max(0, room)} tokens of text. "
                    + "Lower 'stride' or raise 'max_length'.", nameof(truncation));
            }
        }
        return new Tokenizer(parts with { Truncation = truncation });
    }

    /// <summary>The same tokenizer with other padding; null for none.</summary>
    /// <exception cref="ArgumentException">The options are out of range.</exception>
    public Tokenizer WithPadding(PaddingOptions? padding)
    {
        if (padding?.Length is { } length) ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (padding?.PadToMultipleOf is { } multiple) ArgumentOutOfRangeException.ThrowIfNegative(multiple);
        return new Tokenizer(parts with { Padding = padding });
    }

    /// <summary>Encodes a text, then truncates and pads as configured.</summary>
    /// <exception cref="InvalidOperationException">Truncation cannot reach its length, for example because its strategy needs a pair.</exception>
    public Encoding Encode(string text, bool addSpecialTokens = true) => EncodeBatch([text], addSpecialTokens)[0];

    /// <summary>Encodes two texts as one input, then truncates and pads as configured.</summary>
    /// <exception cref="InvalidOperationException">Truncation cannot reach its length.</exception>
    public Encoding Encode(string text, string pair, bool addSpecialTokens = true) => EncodeBatch([(text, pair)], addSpecialTokens)[0];

    /// <summary>Encodes every text; padding, if configured without a length, fills to the longest.</summary>
    /// <exception cref="InvalidOperationException">Truncation cannot reach its length, for example because its strategy needs a pair.</exception>
    public Encoding[] EncodeBatch(IReadOnlyList<string> texts, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return Finish([.. texts.Select(text => Pending(text, null, addSpecialTokens))]);
    }

    /// <summary>Encodes every pair; padding, if configured without a length, fills to the longest.</summary>
    /// <exception cref="InvalidOperationException">Truncation cannot reach its length.</exception>
    public Encoding[] EncodeBatch(IReadOnlyList<(string Text, string Pair)> pairs, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        return Finish([.. pairs.Select(pair => Pending(pair.Text, pair.Pair ?? throw new ArgumentNullException(nameof(pairs)), addSpecialTokens))]);
    }

    /// <summary>
    /// Appends the ids of a text to <paramref name="ids"/>, as <see cref="Encode(string, bool)"/> gives them without
    /// truncation and padding. Byte-level tokenizers do this many times faster than a whole encoding.
    /// </summary>
    public void EncodeIds(ReadOnlySpan<char> text, List<int> ids, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        idEncoder.Value.Encode(text, ids, addSpecialTokens);
    }

    /// <summary>
    /// The ids of a text as plain text, for texts of unknown origin: a special token that it spells out, such as
    /// <c>&lt;|im_end|&gt;</c>, is encoded by its characters, and none is added. Other added tokens are recognised as ever.
    /// </summary>
    /// <exception cref="ArgumentException">The text uses nearly every private character of Unicode.</exception>
    public int[] EncodePlain(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var shadows = new TokenShadows(AddedTokens.Values, [text]);
        return EncodeShadowed(shadows.Hide(text), shadows);
    }

    /// <summary>Turns ids back into text; ids that stand for no token are left out.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        var tokens = new List<string>(ids.Length);
        foreach (var id in ids)
        {
            if (IdToToken(id) is { } token && !(skipSpecialTokens && parts.AddedVocabulary.IsSpecial(token))) tokens.Add(token);
        }
        return parts.Decoder is null ? string.Join(' ', tokens) : string.Concat(parts.Decoder.Decode(tokens));
    }

    /// <summary>The id of a token, or null.</summary>
    public int? TokenToId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return parts.AddedVocabulary.TryGetId(token, out var id) || parts.Model.Vocabulary.TryGetId(token, out id) ? id : null;
    }

    /// <summary>The token with an id, or null. An added token that is matched in normalised text is given normalised.</summary>
    public string? IdToToken(int id) => parts.AddedVocabulary.Text(id) ?? parts.Model.Vocabulary.Token(id);

    /// <summary>Writes a <c>tokenizer.json</c> that the reference library loads.</summary>
    public void Save(string path) => TokenizerJsonWriter.Write(path, parts);

    /// <summary>
    /// Writes <c>tokenizer.json</c> into a folder that is there, and before it, as they were, the files of the folder that the tokenizer was
    /// read from which the reference reads with it: <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c> and <c>chat_template.jinja</c>.
    /// </summary>
    public void SaveToFolder(string folder)
    {
        foreach (var (name, bytes) in parts.Companions) TokenizerJsonWriter.WriteWhole(Path.Combine(folder, name), stream => stream.Write(bytes));
        Save(Path.Combine(folder, "tokenizer.json"));
    }

    internal List<TokenSequence> Process(TokenSequence first, TokenSequence? second, bool addSpecialTokens)
    {
        var sequences = new List<TokenSequence> { first };
        if (second is not null) sequences.Add(second);
        return parts.PostProcessor?.Process(sequences, addSpecialTokens) ?? sequences;
    }

    internal int[] EncodeShadowed(string text, TokenShadows shadows) =>
        [.. Process(Sequence(new SourceText(text), 0, shadows), null, addSpecialTokens: false).SelectMany(sequence => sequence.Ids)];

    internal TokenSequence Sequence(SourceText text, int input, TokenShadows? shadows = null)
    {
        var work = new PreTokenizedText(text.Text);
        parts.AddedVocabulary.Extract(work, parts.Normalizer, shadows);
        parts.PreTokenizer?.PreTokenize(work);
        if (shadows is null) work.Tokenize(parts.Model.Tokenize);
        else work.Tokenize(piece => parts.Model.Tokenize(piece, id => AddedTokens.TryGetValue(id, out var token) && token.Special));
        var sequence = new TokenSequence();
        foreach (var piece in work.Pieces)
        {
            foreach (var token in piece.Tokens!)
            {
                var range = piece.Text.Original(token.Start, token.End);
                sequence.Add(token.Id, token.Value, text.CodePoints(range), input, input);
            }
        }
        return sequence;
    }

    private PendingEncoding Pending(string text, string? pair, bool addSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sources = pair is null ? new[] { new SourceText(text) } : [new SourceText(text), new SourceText(pair)];
        var first = Sequence(sources[0], 0);
        var second = pair is null ? null : Sequence(sources[1], 1);
        if (parts.Truncation is { } truncation)
        {
            var added = addSpecialTokens ? parts.PostProcessor?.AddedTokens(pair is not null) ?? 0 : 0;
            if (truncation.MaxLength < added)
            {
                throw new InvalidOperationException(
                    $"Truncation to {truncation.MaxLength} tokens has no room for the {added} special tokens. Raise 'max_length'.");
            }
            Tokenization.Truncation.Apply(ref first, ref second, truncation with { MaxLength = truncation.MaxLength - added });
        }
        var joined = new TokenSequence();
        foreach (var sequence in Process(first, second, addSpecialTokens)) joined.Merge(sequence);
        return new PendingEncoding(joined, sources);
    }

    private Encoding[] Finish(PendingEncoding[] pending)
    {
        if (parts.Padding is { } padding) Tokenization.Padding.Apply([.. pending.Select(encoding => encoding.Tokens)], padding);
        return [.. pending.Select(encoding => encoding.ToEncoding())];
    }
}
