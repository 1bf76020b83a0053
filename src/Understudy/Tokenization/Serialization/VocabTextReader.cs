using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;

namespace Understudy.Tokenization.Serialization;

/// <summary>Puts a BERT tokenizer together from <c>vocab.txt</c>, which has one token a line.</summary>
internal static class VocabTextReader
{
    private static readonly string[] Classes = ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"];
    private static readonly string[] ModelTypes = ["bert", "distilbert", "electra", "mobilebert"];

    private static readonly (string Role, string Fallback)[] Tokens =
        [("pad_token", "[PAD]"), ("unk_token", "[UNK]"), ("cls_token", "[CLS]"), ("sep_token", "[SEP]"), ("mask_token", "[MASK]")];

    public static Tokenizer Read(string file, TokenizerSettings settings)
    {
        var (key, value, known) = settings.TokenizerClass is { } name ? ("tokenizer_class", name, Classes) : ("model_type", settings.ModelType, ModelTypes);
        if (value is not null && !known.Contains(value))
        {
            throw new InvalidDataException(
                $"{file}: '{key}' of the folder is '{value}', for which 'vocab.txt' is not enough to go by; known are [{string.Join(", ", known)}]. "
                + "Save the tokenizer with transformers as 'tokenizer.json'.");
        }
        var vocabulary = ReadVocabulary(file);
        var normalizer = new BertNormalizer(
            cleanText: true,
            handleChineseChars: settings.Flag("tokenize_chinese_chars") ?? true,
            stripAccents: settings.Flag("strip_accents"),
            lowercase: settings.Flag("do_lower_case") ?? true);
        try
        {
            var tokenizer = BertTokenizer.Create(
                vocabulary, normalizer, settings.AddedTokens(Tokens, token => vocabulary.TryGetId(token, out _)),
                settings.Named("unk_token", "[UNK]").Content, settings.Named("cls_token", "[CLS]").Content, settings.Named("sep_token", "[SEP]").Content);
            return new Tokenizer(tokenizer.Parts with { Roles = settings.Roles(Tokens, token => vocabulary.TryGetId(token, out _)) });
        }
        catch (ArgumentException fault)
        {
            throw new InvalidDataException(
                $"{file}: the vocabulary and the special tokens of the folder do not go together: {fault.Message}. Copy all files of one tokenizer.", fault);
        }
    }

    private static Vocabulary ReadVocabulary(string file)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var lines = File.ReadAllLines(file);
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > 0 && !ids.TryAdd(lines[i], i))
                throw new InvalidDataException($"{file}({i + 1}): the token '{lines[i]}' already stands in line {ids[lines[i]] + 1}. Copy the file again.");
        }
        return new Vocabulary(ids);
    }
}
