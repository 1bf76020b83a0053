using Understudy.Tokenization.Normalizers;

namespace Understudy.Tokenization.Serialization;

/// <summary>Reads the <c>normalizer</c> of a <c>tokenizer.json</c>.</summary>
internal static class NormalizerReader
{
    public static INormalizer Read(ConfigElement config) => config.Type switch
    {
        "NFC" => new UnicodeFormNormalizer(compose: true, compatible: false),
        "NFD" => new UnicodeFormNormalizer(compose: false, compatible: false),
        "NFKC" => new UnicodeFormNormalizer(compose: true, compatible: true),
        "NFKD" => new UnicodeFormNormalizer(compose: false, compatible: true),
        "Nmt" => new NmtNormalizer(),
        "Precompiled" => Precompiled(config.Required("precompiled_charsmap")),
        "ByteLevel" => new ByteLevelNormalizer(),
        "Lowercase" => new LowercaseNormalizer(),
        "StripAccents" => new StripAccentsNormalizer(),
        "Strip" => new StripNormalizer(config.Bool("strip_left"), config.Bool("strip_right")),
        "Prepend" => new PrependNormalizer(config.String("prepend")),
        "Replace" => new ReplaceNormalizer(PatternReader.Read(config.Required("pattern")), config.String("content")),
        "BertNormalizer" => new BertNormalizer(
            config.Bool("clean_text"), config.Bool("handle_chinese_chars"), config.Child("strip_accents")?.AsBool(), config.Bool("lowercase")),
        "Sequence" => new SequenceNormalizer([.. config.Items("normalizers").Select(Read)]),
        var type => throw config.Fault($"is of the type '{type}', which is not supported. Supported are NFC, NFD, NFKC, NFKD, "
            + "Nmt, Precompiled, ByteLevel, Lowercase, StripAccents, Strip, Prepend, Replace, BertNormalizer and Sequence."),
    };

    private static PrecompiledNormalizer Precompiled(ConfigElement charsmap)
    {
        try
        {
            return new PrecompiledNormalizer(Convert.FromBase64String(charsmap.AsString()));
        }
        catch (FormatException fault)
        {
            throw charsmap.Fault($"is not SentencePiece's table in base 64: it {fault.Message.TrimEnd('.')}. Save the tokenizer again.");
        }
    }
}
