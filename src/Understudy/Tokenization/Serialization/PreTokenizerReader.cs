using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Serialization;

/// <summary>Reads the <c>pre_tokenizer</c> of a <c>tokenizer.json</c>.</summary>
internal static class PreTokenizerReader
{
    private static readonly Dictionary<string, SplitBehavior> Behaviors =
        Enum.GetValues<SplitBehavior>().ToDictionary(behavior => behavior.ToString());

    private static readonly Dictionary<string, PrependScheme> Schemes =
        Enum.GetValues<PrependScheme>().ToDictionary(MetaspacePreTokenizer.SchemeName);

    public static IPreTokenizer Read(ConfigElement config) => config.Type switch
    {
        "ByteLevel" => new ByteLevelPreTokenizer(config.Bool("add_prefix_space"), config.Bool("trim_offsets"), config.Bool("use_regex", true)),
        "BertPreTokenizer" => new BertPreTokenizer(),
        "Whitespace" => new WhitespacePreTokenizer(),
        "WhitespaceSplit" => new WhitespaceSplitPreTokenizer(),
        "Split" => new SplitPreTokenizer(
            PatternReader.Read(config.Required("pattern")), config.Choice("behavior", Behaviors), config.Bool("invert", false)),
        "Digits" => new DigitsPreTokenizer(config.Bool("individual_digits")),
        "Punctuation" => new PunctuationPreTokenizer(
            config.Child("behavior") is null ? SplitBehavior.Isolated : config.Choice("behavior", Behaviors)),
        "CharDelimiterSplit" => new CharDelimiterPreTokenizer(config.String("delimiter")),
        "FixedLength" => FixedLength(config),
        "Metaspace" => new MetaspacePreTokenizer(Metaspace(config)),
        "Sequence" => new SequencePreTokenizer([.. config.Items("pretokenizers").Select(Read)]),
        var type => throw config.Fault($"is of the type '{type}', which is not supported. Supported are ByteLevel, BertPreTokenizer, "
            + "Whitespace, WhitespaceSplit, Split, Digits, Punctuation, CharDelimiterSplit, FixedLength, Metaspace and Sequence."),
    };

    private static FixedLengthPreTokenizer FixedLength(ConfigElement config)
    {
        var length = config.Int("length", 5);
        return length > 0 ? new FixedLengthPreTokenizer(length) : throw config.Required("length").Fault("must be at least 1, but is 0.");
    }

    /// <summary>The settings of <c>Metaspace</c>, which pre-tokenizer and decoder share; older files say <c>add_prefix_space</c> for the scheme.</summary>
    public static MetaspaceSettings Metaspace(ConfigElement config)
    {
        var scheme = config.Child("prepend_scheme") is null ? PrependScheme.Always : config.Choice("prepend_scheme", Schemes);
        if (config.Child("add_prefix_space")?.AsBool() == false)
        {
            if (config.Child("prepend_scheme") is not null && scheme != PrependScheme.Never)
                throw config.Fault("has 'add_prefix_space' false, but a 'prepend_scheme' other than \"never\". Remove one of them.");
            scheme = PrependScheme.Never;
        }
        var replacement = config.String("replacement");
        return replacement.EnumerateRunes().Count() == 1
            ? new MetaspaceSettings(replacement, scheme, config.Bool("split", true))
            : throw config.Required("replacement").Fault($"must be one character, but is '{replacement}'.");
    }
}
