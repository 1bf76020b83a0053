namespace Understudy.Tokenization.Serialization;

/// <summary>Finds the tokenizer of a model folder.</summary>
internal static class FolderReader
{
    public static Tokenizer Read(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var file = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(file)) return TokenizerJsonReader.Read(file);
        throw new FileNotFoundException(
            $"'{folder}' has no tokenizer: looked for 'tokenizer.json', for 'vocab.json' with 'merges.txt', and for 'vocab.txt'. "
            + "Copy the tokenizer's files into the folder.", file);
    }
}
