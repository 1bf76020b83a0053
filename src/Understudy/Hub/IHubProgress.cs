namespace Understudy.Hub;

/// <summary>Where a download tells how far it is. Called from the thread that downloads.</summary>
public interface IHubProgress
{
    /// <summary>A line for the reader: a request that is repeated, a model taken from the cache.</summary>
    void Note(string text);

    /// <summary>Weights begin to arrive. Ends with <see cref="Finish"/>, whether it ended well or not.</summary>
    /// <param name="model">The model.</param>
    /// <param name="bytes">How much it is in all; null when the server does not say.</param>
    void Begin(HubName model, long? bytes);

    /// <summary>So many more bytes are on the disk; fewer than none when bytes had to be thrown away.</summary>
    void Received(long bytes);

    /// <summary>No more weights come.</summary>
    /// <param name="whole">Whether all of them are there.</param>
    void Finish(bool whole);
}
