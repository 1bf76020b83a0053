namespace Understudy.Tokenization.Serialization;

/// <summary>Reads a <c>tokenizer.json</c>.</summary>
internal static class TokenizerJsonReader
{
    private static readonly Dictionary<string, Side> Sides = new() { ["Left"] = Side.Left, ["Right"] = Side.Right };

    private static readonly Dictionary<string, TruncationStrategy> Strategies = new()
    {
        ["LongestFirst"] = TruncationStrategy.LongestFirst,
        ["OnlyFirst"] = TruncationStrategy.OnlyFirst,
        ["OnlySecond"] = TruncationStrategy.OnlySecond,
    };

    public static Tokenizer Read(string path) => JsonFile.Read(path, Read);

    private static Tokenizer Read(ConfigElement root)
    {
        var model = ModelReader.Read(root.Required("model"));
        var normalizer = root.Child("normalizer") is { } normalizerConfig ? NormalizerReader.Read(normalizerConfig) : null;
        var tokens = root.Child("added_tokens") is null ? [] : root.Items("added_tokens").Select(AddedToken).ToList();
        return new Tokenizer(new TokenizerParts
        {
            Model = model,
            AddedVocabulary = Added(root, () => new AddedVocabulary(tokens, model.Vocabulary, normalizer)),
            Normalizer = normalizer,
            PreTokenizer = root.Child("pre_tokenizer") is { } preTokenizer ? PreTokenizerReader.Read(preTokenizer) : null,
            PostProcessor = root.Child("post_processor") is { } postProcessor ? PostProcessorReader.Read(postProcessor) : null,
            Decoder = root.Child("decoder") is { } decoder ? DecoderReader.Read(decoder) : null,
            Truncation = root.Child("truncation") is { } truncation ? Truncation(truncation) : null,
            Padding = root.Child("padding") is { } padding ? Padding(padding) : null,
        });
    }

    private static AddedVocabulary Added(ConfigElement root, Func<AddedVocabulary> create)
    {
        try
        {
            return create();
        }
        catch (ArgumentException fault)
        {
            throw new InvalidDataException($"{root.File}: 'added_tokens' cannot be used: {fault.Message}. Correct the entry.", fault);
        }
    }

    private static (AddedToken Token, int? Id) AddedToken(ConfigElement config)
    {
        var special = config.Bool("special", false);
        var token = new AddedToken
        {
            Content = config.String("content"),
            SingleWord = config.Bool("single_word", false),
            LStrip = config.Bool("lstrip", false),
            RStrip = config.Bool("rstrip", false),
            Normalized = config.Bool("normalized", !special),
            Special = special,
        };
        return (token, config.Int("id"));
    }

    private static TruncationOptions Truncation(ConfigElement config) => new()
    {
        MaxLength = config.Int("max_length"),
        Strategy = config.Choice("strategy", Strategies),
        Stride = config.Int("stride"),
        Side = config.Child("direction") is null ? Side.Right : config.Choice("direction", Sides),
    };

    private static PaddingOptions Padding(ConfigElement config) => new()
    {
        Length = PaddingLength(config.Required("strategy")),
        Side = config.Child("direction") is null ? Side.Right : config.Choice("direction", Sides),
        PadToMultipleOf = config.Child("pad_to_multiple_of")?.AsInt(),
        PadId = config.Int("pad_id"),
        PadTypeId = config.Int("pad_type_id"),
        PadToken = config.String("pad_token"),
    };

    private static int? PaddingLength(ConfigElement strategy)
    {
        if (strategy.Json.ValueKind == System.Text.Json.JsonValueKind.Object) return strategy.Int("Fixed");
        return strategy.AsString() == "BatchLongest"
            ? null
            : throw strategy.Fault($"must be \"BatchLongest\" or {{\"Fixed\": length}}, but is '{strategy.AsString()}'.");
    }
}
