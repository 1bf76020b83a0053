using Understudy.Tokenization.Decoders;
using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.PostProcessors;
using Understudy.Tokenization.PreTokenizers;
using Understudy.Tokenization.Training;

namespace Understudy.Tokenization;

/// <summary>What a byte-level BPE tokenizer is trained to.</summary>
public sealed record BpeTrainerOptions
{
    /// <value>The size to reach, special tokens and alphabet included; training stops earlier when no pair is frequent enough. At least 1. The default value is 30,000.</value>
    public int VocabularySize { get; init; } = 30_000;

    /// <value>How often a pair must occur to be merged. Not negative. The default value is 2.</value>
    public int MinFrequency { get; init; } = 2;

    /// <value>Tokens for the first ids, in order; they are matched in the raw text. The default value is none.</value>
    public IReadOnlyList<AddedToken> SpecialTokens { get; init; } = [];

    /// <value>Whether all 256 bytes are tokens, so that any text can be encoded, or only those of the corpus. The default value is true.</value>
    public bool AllBytes { get; init; } = true;

    /// <value>Whether a space is put before every text. The default value is false.</value>
    public bool AddPrefixSpace { get; init; }

    /// <value>Whether the text is normalised to NFC first, as GPT-NeoX does. The default value is false.</value>
    public bool Nfc { get; init; }

    /// <value>Whether text is lower-cased first; decoding then gives lower case. The default value is false.</value>
    public bool Lowercase { get; init; }

    /// <value>Whether every digit is a token of its own, so that a number is written as it is read; words are then cut as Qwen 2 cuts them. The default value is false.</value>
    public bool SplitDigits { get; init; }

    /// <value>The longest token in bytes, or null for no limit, which is the default value.</value>
    public int? MaxTokenLength { get; init; }

    /// <value>
    /// The special tokens before the text and after each text, put there as RoBERTa does:
    /// <c>Cls A Sep</c> and <c>Cls A Sep Sep B Sep</c>. The default value is null: none, as GPT-2 does.
    /// </value>
    public (string Cls, string Sep)? RobertaTemplate { get; init; }
}

/// <summary>Trains byte-level BPE tokenizers. The merges are those of the Hugging Face <c>tokenizers</c> library for the same settings and lines.</summary>
public static class BpeTrainer
{
    private static readonly Cl100kSplitter DigitSplitter = Cl100kSplitter.For(Cl100kSplitter.SingleDigits)!;

    /// <summary>Learns a vocabulary and merges from lines of text; a line is a text of its own.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or <see cref="BpeTrainerOptions.RobertaTemplate"/> names a token that is not special.</exception>
    public static Tokenizer Train(IEnumerable<string> lines, BpeTrainerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(lines);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.VocabularySize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MinFrequency);
        var normalizer = Normalizer(options);
        if (options is { SplitDigits: true, AddPrefixSpace: true }) throw new ArgumentException($"'{nameof(options.SplitDigits)}' and '{nameof(options.AddPrefixSpace)}' exclude each other.", nameof(options));
        IPreTokenizer preTokenizer = options.SplitDigits
            ? new SequencePreTokenizer([
                new SplitPreTokenizer(new PatternSetting(IsRegex: true, Cl100kSplitter.SingleDigits, DigitSplitter), SplitBehavior.Isolated, invert: false),
                new ByteLevelPreTokenizer(addPrefixSpace: false, trimOffsets: true, useRegex: false)])
            : new ByteLevelPreTokenizer(options.AddPrefixSpace, trimOffsets: true, useRegex: true);
        var counts = normalizer is null
            ? WordCounter.CountByteLevel(lines, options.SplitDigits ? DigitSplitter : Gpt2Splitter.Instance, options.AddPrefixSpace, cancellation)
            : WordCounter.Count(lines, normalizer, preTokenizer, cancellation);
        var (vocabulary, merges) = PairMerger.Learn(counts, new MergeLearningOptions
        {
            VocabularySize = options.VocabularySize,
            MinFrequency = options.MinFrequency,
            SpecialTokens = [.. options.SpecialTokens.Select(token => token.Content)],
            InitialAlphabet = options.AllBytes ? ByteAlphabet.All : [],
            MaxTokenLength = options.MaxTokenLength ?? int.MaxValue,
        }, cancellation);
        return new Tokenizer(new TokenizerParts
        {
            Model = new BpeModel(vocabulary, merges, new BpeOptions()),
            AddedVocabulary = new AddedVocabulary(options.SpecialTokens.Select(token => (token, (int?)null)), vocabulary, normalizer),
            Normalizer = normalizer,
            PreTokenizer = preTokenizer,
            PostProcessor = PostProcessor(options, vocabulary),
            Decoder = new ByteLevelDecoder(addPrefixSpace: true, trimOffsets: true, useRegex: true),
        });
    }

    private static INormalizer? Normalizer(BpeTrainerOptions options)
    {
        var form = new UnicodeFormNormalizer(compose: true, compatible: false);
        return (options.Nfc, options.Lowercase) switch
        {
            (true, true) => new SequenceNormalizer([form, new LowercaseNormalizer()]),
            (true, false) => form,
            (false, true) => new LowercaseNormalizer(),
            _ => null,
        };
    }

    private static IPostProcessor PostProcessor(BpeTrainerOptions options, Vocabulary vocabulary)
    {
        if (options.RobertaTemplate is not { } template)
            return new ByteLevelPostProcessor(options.AddPrefixSpace, trimOffsets: true, useRegex: true);
        return new RobertaPostProcessor(Special(template.Sep), Special(template.Cls), trimOffsets: true, options.AddPrefixSpace);

        SpecialTokenPair Special(string token) =>
            options.SpecialTokens.Any(special => special.Content == token) && vocabulary.TryGetId(token, out var id)
                ? new SpecialTokenPair(token, id)
                : throw new ArgumentException($"The template names '{token}', which is not among the special tokens. Add it to 'SpecialTokens'.", nameof(options));
    }
}
