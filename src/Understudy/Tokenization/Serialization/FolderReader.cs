namespace Understudy.Tokenization.Serialization;

/// <summary>Finds the tokenizer of a model folder.</summary>
internal static class FolderReader
{
    private const long LargestCompanion = 16 << 20;

    private static readonly string[] Companions = ["tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];

    private static readonly string[] Compiled = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model", "source.spm", "tiktoken.model"];

    public static Tokenizer Read(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        var parts = ReadFiles(folder).Parts;
        var roles = new Dictionary<string, string>(parts.Roles);
        var additional = SpecialTokensReader.Read(folder, roles);
        var companions = Companions.Where(name => new FileInfo(Path.Combine(folder, name)) is { Exists: true, Length: <= LargestCompanion })
            .ToDictionary(name => name, name => File.ReadAllBytes(Path.Combine(folder, name)));
        return new Tokenizer(parts with { Roles = roles, AdditionalSpecialTokens = additional, Companions = companions });
    }

    private static Tokenizer ReadFiles(string folder)
    {
        var tokenizer = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(tokenizer)) return TokenizerJsonReader.Read(tokenizer);
        var vocabulary = Path.Combine(folder, "vocab.json");
        var merges = Path.Combine(folder, "merges.txt");
        if (File.Exists(vocabulary) && File.Exists(merges)) return VocabMergesReader.Read(vocabulary, merges, TokenizerSettings.Read(folder));
        var words = Path.Combine(folder, "vocab.txt");
        if (File.Exists(words)) return VocabTextReader.Read(words, TokenizerSettings.Read(folder));
        if (Compiled.FirstOrDefault(name => File.Exists(Path.Combine(folder, name))) is { } compiled)
        {
            throw new FileNotFoundException(
                $"'{folder}' has no 'tokenizer.json', only '{compiled}', a compiled model of SentencePiece or tiktoken, which is not read. Convert it once with Python: "
                + "from transformers import AutoTokenizer; AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER). This writes 'tokenizer.json' beside it.", tokenizer);
        }
        var lone = File.Exists(vocabulary) ? " It has 'vocab.json', but not 'merges.txt'." : File.Exists(merges) ? " It has 'merges.txt', but not 'vocab.json'." : "";
        throw new FileNotFoundException(
            $"'{folder}' has no tokenizer: looked for 'tokenizer.json', for 'vocab.json' with 'merges.txt', and for 'vocab.txt'.{lone} "
            + "Copy the tokenizer's files into the folder.", tokenizer);
    }
}
