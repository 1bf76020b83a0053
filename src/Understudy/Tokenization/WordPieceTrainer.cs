using Understudy.Tokenization.Normalizers;
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
        return BertTokenizer.Create(vocabulary, normalizer, SpecialTokens.Select(token => (new AddedToken { Content = token, Special = true }, (int?)null)));
    }
}
