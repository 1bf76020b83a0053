using Understudy.Tokenization.Decoders;
using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.PostProcessors;
using Understudy.Tokenization.PreTokenizers;
using Understudy.Tokenization.Training;

namespace Understudy.Tokenization;

/// <summary>What a BERT tokenizer is trained to.</summary>
public sealed record WordPieceTrainerOptions
{
    /// <value>The size to reach, special tokens and alphabet included; training stops earlier when no pair is frequent enough. At least 5. The default value is 30,000.</value>
    public int VocabularySize { get; init; } = 30_000;

    /// <value>How often a pair must occur to be merged. Not negative. The default value is 2.</value>
    public int MinFrequency { get; init; } = 2;

    /// <value>Whether text is lower-cased and stripped of accents. The default value is true.</value>
    public bool Lowercase { get; init; } = true;

    /// <value>The most distinct characters to start from, the rarest left out, or null for all. The default value is 1,000.</value>
    public int? LimitAlphabet { get; init; } = 1000;
}

/// <summary>
/// Trains WordPiece tokenizers with BERT's normalisation, special tokens and template. Like the Hugging Face
/// <c>tokenizers</c> library it learns byte-pair merges over <c>##</c> symbols and keeps their vocabulary.
/// </summary>
public static class WordPieceTrainer
{
    private static readonly string[] SpecialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Learns a vocabulary from lines of text. Its first five ids are [PAD], [UNK], [CLS], [SEP] and [MASK].</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static Tokenizer Train(IEnumerable<string> lines, WordPieceTrainerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(lines);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.VocabularySize, SpecialTokens.Length);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MinFrequency);
        var normalizer = new BertNormalizer(cleanText: true, handleChineseChars: true, stripAccents: null, options.Lowercase);
        var counts = WordCounter.Count(lines, normalizer, new BertPreTokenizer(), cancellation);
        var (vocabulary, _) = PairMerger.Learn(counts, new MergeLearningOptions
        {
            VocabularySize = options.VocabularySize,
            MinFrequency = options.MinFrequency,
            SpecialTokens = SpecialTokens,
            LimitAlphabet = options.LimitAlphabet,
            ContinuingSubwordPrefix = "##",
        }, cancellation);
        return BertTokenizer.Create(vocabulary, normalizer, SpecialTokens.Select(token => new AddedToken { Content = token, Special = true }));
    }
}

/// <summary>Puts a BERT tokenizer together around its vocabulary.</summary>
internal static class BertTokenizer
{
    /// <exception cref="ArgumentException">The vocabulary lacks [CLS] or [SEP].</exception>
    public static Tokenizer Create(Vocabulary vocabulary, BertNormalizer normalizer, IEnumerable<AddedToken> specialTokens, string unk = "[UNK]", string cls = "[CLS]", string sep = "[SEP]") => new(new TokenizerParts
    {
        Model = new WordPieceModel(vocabulary, unk, "##", maxInputCharsPerWord: 100),
        AddedVocabulary = new AddedVocabulary(specialTokens.Select(token => (token, (int?)null)), vocabulary, normalizer),
        Normalizer = normalizer,
        PreTokenizer = new BertPreTokenizer(),
        PostProcessor = new TemplatePostProcessor(
            [Text(cls, 0), new TemplatePiece(null, 0, 0), Text(sep, 0)],
            [Text(cls, 0), new TemplatePiece(null, 0, 0), Text(sep, 0), new TemplatePiece(null, 1, 1), Text(sep, 1)],
            new[] { cls, sep }.ToDictionary(token => token, token => new TemplateToken(token, [Id(vocabulary, token)], [token]))),
        Decoder = new WordPieceDecoder("##", cleanup: true),
    });

    private static TemplatePiece Text(string token, int typeId) => new(token, 0, typeId);

    private static int Id(Vocabulary vocabulary, string token) =>
        vocabulary.TryGetId(token, out var id) ? id : throw new ArgumentException($"the token '{token}' is not in the vocabulary");
}
