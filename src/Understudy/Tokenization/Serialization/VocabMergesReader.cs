using Understudy.Tokenization.Decoders;
using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.PostProcessors;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Serialization;

/// <summary>Puts a byte-level tokenizer together from <c>vocab.json</c> and <c>merges.txt</c>, as the reference's converters do.</summary>
internal static class VocabMergesReader
{
    private static readonly string[] Roberta = ["RobertaTokenizer", "BartTokenizer", "LongformerTokenizer", "LEDTokenizer", "MvpTokenizer"];
    private static readonly string[] RobertaModels = ["roberta", "bart", "longformer", "led", "mvp"];
    private static readonly string[] Gpt2 = ["GPT2Tokenizer", "GPTNeoXTokenizer", "CodeGenTokenizer"];
    private static readonly string[] Gpt2Models = ["gpt2", "gpt_neo", "gpt_neox", "gptj", "opt"];

    private static readonly (string Role, string Fallback)[] RobertaTokens =
        [("bos_token", "<s>"), ("pad_token", "<pad>"), ("eos_token", "</s>"), ("unk_token", "<unk>"), ("mask_token", "<mask>")];

    private static readonly (string Role, string Fallback)[] Gpt2Tokens = [("eos_token", "<|endoftext|>")];

    public static Tokenizer Read(string vocabularyFile, string mergesFile, TokenizerSettings settings)
    {
        var isRoberta = IsRoberta(settings);
        var options = new BpeOptions();
        var vocabulary = JsonFile.Read(vocabularyFile, ModelReader.ReadVocabulary);
        var addPrefixSpace = settings.Flag("add_prefix_space") ?? false;
        var isNeox = settings.TokenizerClass == "GPTNeoXTokenizer" || (settings.TokenizerClass is null && settings.ModelType == "gpt_neox");
        var normalizer = isNeox ? new UnicodeFormNormalizer(compose: true, compatible: false) : null;
        try
        {
            var added = new AddedVocabulary(settings.AddedTokens(isRoberta ? RobertaTokens : Gpt2Tokens, token => vocabulary.TryGetId(token, out _)), vocabulary, normalizer);
            return new Tokenizer(new TokenizerParts
            {
                Model = new BpeModel(vocabulary, ReadMerges(mergesFile, vocabulary, options), options),
                AddedVocabulary = added,
                Normalizer = normalizer,
                PreTokenizer = new ByteLevelPreTokenizer(addPrefixSpace, trimOffsets: true, useRegex: true),
                PostProcessor = isRoberta
                    ? new RobertaPostProcessor(
                        Pair(settings.Named("sep_token", "</s>")), Pair(settings.Named("cls_token", "<s>")), trimOffsets: true, addPrefixSpace)
                    : Gpt2PostProcessor(settings, Pair),
                Decoder = new ByteLevelDecoder(addPrefixSpace: true, trimOffsets: true, useRegex: true),
                Roles = settings.Roles(isRoberta ? RobertaTokens : Gpt2Tokens, token => vocabulary.TryGetId(token, out _)),
            });

            SpecialTokenPair Pair(AddedToken token) => added.TryGetId(token.Content, out var id)
                ? new SpecialTokenPair(token.Content, id)
                : throw new ArgumentException($"the special token '{token.Content}' is not in the vocabulary");
        }
        catch (ArgumentException fault)
        {
            throw new InvalidDataException(
                $"{vocabularyFile}: the vocabulary and the special tokens of the folder do not go together: {fault.Message}. Copy all files of one tokenizer.", fault);
        }
    }

    private static IPostProcessor Gpt2PostProcessor(TokenizerSettings settings, Func<AddedToken, SpecialTokenPair> pair)
    {
        if (settings.Flag("add_bos_token") != true) return new ByteLevelPostProcessor(addPrefixSpace: true, trimOffsets: false, useRegex: true);
        var bos = pair(settings.Named("bos_token", "<|endoftext|>"));
        var piece = new TemplatePiece(bos.Token, 0, 0);
        return new TemplatePostProcessor(
            [piece, new TemplatePiece(null, 0, 0)],
            [piece, new TemplatePiece(null, 0, 0), new TemplatePiece(null, 1, 1)],
            new Dictionary<string, TemplateToken> { [bos.Token] = new(bos.Token, [bos.Id], [bos.Token]) });
    }

    private static bool IsRoberta(TokenizerSettings settings)
    {
        if (settings.TokenizerClass is { } name)
        {
            if (Roberta.Contains(name)) return true;
            return Gpt2.Contains(name) ? false : throw Unknown("tokenizer_class", name, Roberta.Concat(Gpt2), settings);
        }
        if (settings.ModelType is not { } type) return false;
        if (RobertaModels.Contains(type)) return true;
        return Gpt2Models.Contains(type) ? false : throw Unknown("model_type", type, RobertaModels.Concat(Gpt2Models), settings);
    }

    private static InvalidDataException Unknown(string key, string value, IEnumerable<string> known, TokenizerSettings settings)
    {
        var file = key == "model_type" ? Path.Combine(Path.GetDirectoryName(settings.File)!, "config.json") : settings.File;
        return new InvalidDataException(
            $"{file}: '{key}' is '{value}', for which 'vocab.json' with 'merges.txt' is not enough to go by; known are [{string.Join(", ", known)}]. "
            + "Save the tokenizer with transformers as 'tokenizer.json'.");
    }

    private static List<(int Left, int Right, int Result)> ReadMerges(string file, Vocabulary vocabulary, BpeOptions options)
    {
        var merges = new List<(int Left, int Right, int Result)>();
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal)) continue;
            var at = number;
            var parts = line.Split(' ');
            if (parts.Length != 2) throw new InvalidDataException($"{file}({number}): expected two tokens separated by one space, found '{line}'. Copy the file again.");
            merges.Add(MergeResolver.Resolve(vocabulary, options, (parts[0], parts[1]), fault => new InvalidDataException($"{file}({at}): the line {fault}")));
        }
        return merges;
    }
}
